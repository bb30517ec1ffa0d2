import t from 'tap'
import { shareRuns } from '../../src/server/share-runs.ts'

t.test('calls with the same key share one run, and later ones start another', async (t) => {
  const runs: string[] = []
  const run = shareRuns(async (key: string) => {
    runs.push(key)
    await new Promise(setImmediate)
    return `${key} ${runs.length}`
  })
  t.strictSame(await Promise.all(['a', 'b', 'a'].map(run)), ['a 2', 'b 2', 'a 2'])
  t.equal(await run('a'), 'a 3')
  t.strictSame(runs, ['a', 'b', 'a'])
})

t.test('calls share an error, and the next one tries again', async (t) => {
  let runs = 0
  const run = shareRuns(async () => {
    runs++
    await new Promise(setImmediate)
    if (runs === 1) throw new Error('broken')
  })
  await Promise.all([run('a'), run('a')].map((call) => t.rejects(call, { message: 'broken' })))
  await run('a')
  t.equal(runs, 2)
})
