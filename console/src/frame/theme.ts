import { createTheme, type CSSVariablesResolver, type MantineColorsTuple } from '@mantine/core'

/** Water, in ten steps; 7 and darker carry white text at 4.5 : 1. */
const mill: MantineColorsTuple = [
  '#e6f7fa',
  '#cdebf1',
  '#9cd6e2',
  '#68c0d3',
  '#40aec6',
  '#279fba',
  '#15859f',
  '#0b7285',
  '#085d6d',
  '#044654',
]

export const theme = createTheme({
  primaryColor: 'mill',
  primaryShade: 7,
  colors: { mill },
  defaultRadius: 'sm',
  fontFamily: 'system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", sans-serif',
  fontFamilyMonospace: 'ui-monospace, SFMono-Regular, Menlo, Consolas, monospace',
  focusRing: 'auto',
  respectReducedMotion: true,
})

/** Mantine's dimmed text, and that of errors, has 3.3 : 1 on white; small text needs 4.5 (WCAG AA). */
export const cssVariables: CSSVariablesResolver = ({ colors }) => ({
  variables: {},
  light: { '--mantine-color-dimmed': colors.gray[7], '--mantine-color-error': colors.red[9] },
  // Links on the lighter ground of a chosen row as well.
  dark: { '--mantine-color-dimmed': colors.dark[1], '--mantine-color-anchor': mill[3], '--mantine-color-error': colors.red[4] },
})
