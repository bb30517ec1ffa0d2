import { useEffect, useRef, useState } from 'react'

/**
 * Renders a MusicXML score. The renderer is larger than the rest of the app, so it is loaded on first use.
 */
export function Score({ xml, title }: { xml: string; title: string }) {
  const sheet = useRef<HTMLDivElement>(null)
  const [state, setState] = useState<'loading' | 'shown' | 'failed'>('loading')

  useEffect(() => {
    const element = sheet.current!
    let stale = false
    let clear = () => {}
    async function draw() {
      const { OpenSheetMusicDisplay } = await import('opensheetmusicdisplay')
      if (stale) return
      const display = new OpenSheetMusicDisplay(element, {
        drawTitle: false,
        drawComposer: false,
        drawLyricist: false,
        drawPartNames: false
      })
      clear = () => {
        display.setOptions({ autoResize: false })
        element.replaceChildren()
      }
      const rules = display.EngravingRules
      rules.PageTopMargin = rules.PageBottomMargin = rules.PageLeftMargin = rules.PageRightMargin = 1
      await display.load(xml)
      display.zoom = element.clientWidth < 480 ? 0.6 : 0.8
      display.render()
    }
    setState('loading')
    draw().then(
      () => setState('shown'),
      () => setState('failed')
    )
    return () => {
      stale = true
      clear()
    }
  }, [xml])

  return (
    <>
      {state === 'loading' && (
        <p role="status" className="hint">
          Loading the score…
        </p>
      )}
      {state === 'failed' && (
        <p role="alert" className="problem">
          This score cannot be displayed. It is saved unchanged and can be downloaded.
        </p>
      )}
      <div className="sheet" role="img" aria-label={`Score of ${title}`} hidden={state === 'failed'}>
        <div ref={sheet} />
      </div>
    </>
  )
}
