import { StrictMode } from 'react'
import { createRoot } from 'react-dom/client'
import { App } from './app.tsx'
import './styles.css'

// The fonts first, for a moment at most: letters that change their shape move what is being read.
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
