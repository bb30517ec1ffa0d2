import { readFile, writeFile } from 'node:fs/promises'

const page = new URL('../docs/benchmarks.md', import.meta.url)

/** Replaces the results of a stage in docs/benchmarks.md, which stand between two comments. */
export async function writeResults(stage: string, results: string): Promise<void> {
  const text = await readFile(page, 'utf8')
  const [begin, end] = [`<!-- begin ${stage} -->`, `<!-- end ${stage} -->`]
  const [before, rest] = text.split(begin)
  const after = rest?.split(end)[1]
  if (before === undefined || after === undefined) {
    throw new Error(`docs/benchmarks.md has no ${begin} … ${end}`)
  }
  await writeFile(page, `${before}${begin}\n\n${results}\n\n${end}${after}`)
}
