import { useEffect, useRef, useState } from 'react'

/**
 * Accepts files dropped anywhere on the page, because the browser would navigate to files dropped outside a
 * target. Returns whether files are being dragged over the page.
 */
export function useDroppedFiles(onDrop: (files: File[]) => void): boolean {
  const [dragging, setDragging] = useState(false)
  const listener = useRef(onDrop)
  listener.current = onDrop
  useEffect(() => {
    const unmounted = new AbortController()
    addEventListener(
      'dragover',
      (event) => {
        if (!event.dataTransfer?.types.includes('Files')) return
        event.preventDefault()
        setDragging(true)
      },
      unmounted
    )
    addEventListener(
      'dragleave',
      (event) => {
        if (!event.relatedTarget) setDragging(false)
      },
      unmounted
    )
    addEventListener(
      'drop',
      (event) => {
        if (!event.dataTransfer?.types.includes('Files')) return
        event.preventDefault()
        setDragging(false)
        listener.current([...event.dataTransfer.files])
      },
      unmounted
    )
    return () => unmounted.abort()
  }, [])
  return dragging
}
