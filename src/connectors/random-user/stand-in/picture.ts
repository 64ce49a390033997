/**
 * A small drawn face as an SVG data URI, so that pictures need no network. Colours are `rrggbb`.
 * @param sizePx width and height
 */
export function drawPicture(
  sizePx: number,
  { ground, skin, hair, shirt }: { ground: string; skin: string; hair: string; shirt: string },
): string {
  return (
    `data:image/svg+xml,%3Csvg xmlns='http://www.w3.org/2000/svg' width='${sizePx}' height='${sizePx}' viewBox='0 0 32 32'%3E` +
    `%3Cpath fill='%23${ground}' d='M0 0h32v32H0z'/%3E%3Ccircle cx='16' cy='32' r='11' fill='%23${shirt}'/%3E` +
    `%3Ccircle cx='16' cy='13' r='8' fill='%23${hair}'/%3E%3Ccircle cx='16' cy='15' r='6.5' fill='%23${skin}'/%3E%3C/svg%3E`
  ).replaceAll(' ', '%20')
}

export const grounds = ['e8f1f2', 'fde8d7', 'e3e8f8', 'eaf4e2', 'f6e3ec', 'f3f0d7'] as const
export const skins = ['f7d7c4', 'eac0a0', 'c99470', '9c6644', '6f4a32'] as const
export const hairs = ['2b1d14', '5a3a22', '8d6a3a', 'd9b56a', 'a4492c', '8e8e8e'] as const
export const shirts = ['3b6ea5', '4c956c', 'bc4b51', '7d5ba6', 'e09f3e', '335c67'] as const
