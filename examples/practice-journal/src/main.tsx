import { StrictMode } from 'react'
import { createRoot } from 'react-dom/client'
import { App } from './app.tsx'
import './styles.css'

// Wait up to half a second for the fonts, so that a late font does not shift the layout.
const faces = ['1em Garamond', 'italic 1em Garamond', '1em Source'].map((font) => document.fonts.load(font))
await Promise.race([
  Promise.allSettled(faces),
  new Promise((resolve) => {
    setTimeout(resolve, 500)
  })
])

createRoot(document.getElementById('root')!).render(
  <StrictMode>
    <App />
  </StrictMode>
)
