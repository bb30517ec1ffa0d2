import { Score } from './score.tsx'

type Props = { clean: string | null | undefined; marked: string | null | undefined; title: string }

/** The score as it was played from, and beside it the one that the coach has marked up. */
export function Scores({ clean, marked, title }: Props) {
  if (!clean || !marked) return <Score xml={(clean || marked)!} title={title} />
  return (
    <div className="scores">
      <figure>
        <figcaption className="hint">Score</figcaption>
        <Score xml={clean} title={title} />
      </figure>
      <figure>
        <figcaption className="hint">Marked by the coach</figcaption>
        <Score xml={marked} title={`${title}, marked by the coach`} />
      </figure>
    </div>
  )
}
