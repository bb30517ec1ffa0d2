type Props = {
  caption: string
  rows: { name: string; value: string | number; isCurrent?: boolean }[]
}

/** The content of a graph as a table for screen readers. */
export function HiddenTable({ caption, rows }: Props) {
  return (
    // A table itself grows to its content, hidden or not, and lengthens the page.
    <div className="sr-only">
      <table>
        <caption>{caption}</caption>
        <tbody>
          {rows.map(({ name, value, isCurrent }, index) => (
            <tr key={index} aria-current={isCurrent ? 'date' : undefined}>
              <th scope="row">{name}</th>
              <td>{value}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  )
}
