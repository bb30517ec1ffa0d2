import { useEffect, useRef, useState } from 'react'

const FIRST = 60
const STEP = 120

/**
 * How many entries of a long list to show. It grows before the button at its end scrolls into view, and when
 * that button is pressed. Starts again when `list` changes, such as to another search.
 */
export function useGrowingList(list: string) {
  const [size, setSize] = useState({ list, shown: FIRST })
  const shown = size.list === list ? size.shown : FIRST
  const end = useRef<HTMLButtonElement>(null)
  const grow = () => setSize({ list, shown: shown + STEP })

  useEffect(() => {
    if (!end.current) return
    const observer = new IntersectionObserver(
      // On a busy machine one call reports several changes, such as out of view and back.
      (entries) => entries.at(-1)?.isIntersecting && grow(),
      { rootMargin: '1500px 0px' }
    )
    observer.observe(end.current)
    return () => observer.disconnect()
  })
  return { shown, end, grow }
}
