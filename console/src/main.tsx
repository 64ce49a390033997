import '@mantine/core/styles.css'
import { Alert, MantineProvider } from '@mantine/core'
import { QueryClient, QueryClientProvider } from '@tanstack/react-query'
import { RouterProvider } from '@tanstack/react-router'
import { StrictMode } from 'react'
import { createRoot } from 'react-dom/client'
import { ApiError } from './api/client.ts'
import { LiveProvider } from './api/live.tsx'
import { SessionProvider } from './frame/session.tsx'
import { SignIn } from './frame/sign-in.tsx'
import { cssVariables, theme } from './frame/theme.ts'
import { router } from './router.tsx'

const nonce = document.querySelector('meta[name="nonce"]')?.getAttribute('content') ?? ''
// The library that keeps a page from scrolling behind a dialog asks for its nonce here.
Reflect.set(globalThis, '__webpack_nonce__', nonce)
const queries = new QueryClient({
  defaultOptions: {
    // What is wrong with a question stays wrong; what is away is asked again.
    queries: {
      retry: (count, error) => count < 3 && !(error instanceof ApiError && error.status < 500 && error.status > 0),
      staleTime: 2_000,
    },
  },
})
const root = document.querySelector('#root')
if (root !== null)
  createRoot(root).render(
    <StrictMode>
      <MantineProvider theme={theme} cssVariablesResolver={cssVariables} defaultColorScheme="auto" getStyleNonce={() => nonce}>
        <QueryClientProvider client={queries}>
          <SessionProvider
            signIn={<SignIn />}
            away={(error) => (
              <Alert color="red" m="xl" role="alert" title="Millrace cannot be reached">
                {error.message}
              </Alert>
            )}
          >
            <LiveProvider>
              <RouterProvider router={router} />
            </LiveProvider>
          </SessionProvider>
        </QueryClientProvider>
      </MantineProvider>
    </StrictMode>,
  )
