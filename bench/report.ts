/** The result of a stage. The first row and the first column of a table are headings. */
export type Report = { title: string; tables: string[][][]; remarks: string[] }

export type Stage = (options: { scale: number; log: (line: string) => void }) => Promise<Report>

/** A report as Markdown with aligned tables. */
export const toMarkdown = ({ title, tables, remarks }: Report): string =>
  [`### ${title}`, ...tables.map(alignTable), ...remarks].join('\n\n')

function alignTable([head = [], ...body]: string[][]): string {
  const widths = head.map((_, column) =>
    Math.max(3, ...[head, ...body].map((row) => row[column]?.length ?? 0))
  )
  const pad = (text: string, column: number) =>
    column === 0 ? text.padEnd(widths[column]!) : text.padStart(widths[column]!)
  const rule = widths.map((width, column) => (column === 0 ? '-'.repeat(width) : `${'-'.repeat(width - 1)}:`))
  return [head, rule, ...body].map((row) => `| ${row.map(pad).join(' | ')} |`).join('\n')
}

/** The target with its verdict. */
export const judge = (target: string, isMet: boolean) => `${target}: ${isMet ? 'met' : 'missed'}`

/** Formats a measurement with about three significant digits. */
export function format(value: number): string {
  if (Number.isNaN(value)) return '—'
  return value.toLocaleString('en', {
    maximumFractionDigits: Math.abs(value) < 10 ? 2 : Math.abs(value) < 100 ? 1 : 0
  })
}
