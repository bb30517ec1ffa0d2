import { StrictMode, type ReactNode } from 'react'
import { createRoot } from 'react-dom/client'
import { registerServiceWorker } from './services/register-service-worker.ts'
import { WelcomePage } from './welcome-page.tsx'
import './styles/index.css'

// Wait up to half a second for the fonts, so that a late font does not shift the layout.
const faces = ['1em Garamond', 'italic 1em Garamond', '1em Source'].map((font) => document.fonts.load(font))
await Promise.race([
  Promise.allSettled(faces),
  new Promise((resolve) => {
    setTimeout(resolve, 500)
  })
])

createRoot(document.getElementById('root')!).render(<StrictMode>{await loadApp()}</StrictMode>)
registerServiceWorker()

/** Without site data, neither a sign-in nor a recording can be stored: even the import of the app fails. */
async function loadApp(): Promise<ReactNode> {
  try {
    localStorage.getItem('')
  } catch {
    return (
      <WelcomePage>
        <p role="alert">
          This browser blocks site data for this page. Allow cookies and site data in the settings of the
          browser, then load the page again.
        </p>
      </WelcomePage>
    )
  }
  const { App } = await import('./app.tsx')
  return <App />
}
