/** The result of a stage. The first row and the first column of the table are headings. */
export type Report = { title: string; table: string[][]; remarks: string[] }

export type Stage = (options: { scale: number; log: (line: string) => void }) => Promise<Report>

/** Prints a report as an aligned Markdown table. */
export function printReport({ title, table, remarks }: Report) {
  console.log(`\n### ${title}\n`)
  if (table.length > 0) console.log(toMarkdown(table))
  for (const remark of remarks) console.log(`\n${remark}`)
}

function toMarkdown([head = [], ...body]: string[][]): string {
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
