// Reads tap's output. Prints each test file and its tests on a line each, failures in full, and lines that
// are not TAP unchanged. Adds the totals to the file given as argument, for one closing line over several
// runs.
import { readFileSync, writeFileSync } from 'node:fs'
import { createInterface } from 'node:readline'

const POINT = /^(?<indent> *)(?<result>not ok|ok) \d+ - (?<name>.*?)(?: \{)?$/
const NOISE = /^(TAP version|1\.\.|# (Subtest|time=)|ok |not ok )/
const totals = { pass: 0, fail: 0, skip: 0 }
let counted = false
let failure

for await (const line of createInterface({ input: process.stdin })) {
  const point = POINT.exec(line)?.groups
  if (point) {
    failure =
      point.result === 'not ok' && !/# (SKIP|TODO)/i.test(point.name) ? point.indent.length : undefined
    if (failure !== undefined || point.indent.length <= 8) {
      console.log(`${point.indent}${point.result} - ${point.name}`)
    }
  } else if (failure !== undefined && line.startsWith(' '.repeat(failure + 2)) && line.trim() !== '') {
    console.log(line)
  } else if (line.startsWith('# { total:')) {
    counted = true
    for (const [, name, number] of line.matchAll(/(pass|fail|skip): (\d+)/g)) totals[name] += Number(number)
  } else {
    failure = undefined
    if (line !== '' && !line.startsWith(' ') && !NOISE.test(line)) console.log(line)
  }
}

if (!counted) totals.fail++ // the run was cut short
console.log(`(${totals.pass} passed, ${totals.fail} failed, ${totals.skip} skipped)\n`)

const [file] = process.argv.slice(2)
const before = JSON.parse(readFileSync(file, 'utf8') || '{"pass":0,"fail":0,"skip":0}')
for (const name of Object.keys(totals)) totals[name] += before[name]
writeFileSync(file, JSON.stringify(totals))
