/** What a stage measured: cells of text, the first row and the first column being headings. */
export type Report = { title: string; table: string[][]; remarks: string[] }

export type Stage = (options: { scale: number; log: (line: string) => void }) => Promise<Report>

/** Prints a report as Markdown, legible as it is. */
export function printReport({ title, table, remarks }: Report) {
  console.log(`\n### ${title}\n`)
  if (table.length > 0) console.log(layOut(table))
  for (const remark of remarks) console.log(`\n${remark}`)
}

function layOut([head = [], ...body]: string[][]): string {
  const widths = head.map((_, column) =>
    Math.max(3, ...[head, ...body].map((row) => row[column]?.length ?? 0))
  )
  const pad = (text: string, column: number) =>
    column === 0 ? text.padEnd(widths[column]!) : text.padStart(widths[column]!)
  const rule = widths.map((width, column) => (column === 0 ? '-'.repeat(width) : `${'-'.repeat(width - 1)}:`))
  return [head, rule, ...body].map((row) => `| ${row.map(pad).join(' | ')} |`).join('\n')
}

/** A target beside its number. */
export const judge = (target: string, isMet: boolean) => `${target}: ${isMet ? 'met' : 'missed'}`

/** As many digits as a measurement deserves. */
export function format(value: number): string {
  if (Number.isNaN(value)) return '—'
  return value.toLocaleString('en', {
    maximumFractionDigits: Math.abs(value) < 10 ? 2 : Math.abs(value) < 100 ? 1 : 0
  })
}
