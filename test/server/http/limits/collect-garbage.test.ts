import { setImmediate } from 'node:timers/promises'
import t from 'tap'
import { collectIfDue } from '../../../../src/server/http/limits/collect-garbage.ts'

const MB = 1024 * 1024

/** Whether these texts together make a collection. */
async function collects(...sizes: number[]): Promise<boolean> {
  const garbage = new WeakRef({})
  await setImmediate() // until then it is kept
  for (const size of sizes) collectIfDue(size)
  return garbage.deref() === undefined
}

t.test('garbage is collected for a large text, and for each 8 MB of smaller ones', async (t) => {
  t.equal(await collects(8 * MB), true)
  t.equal(await collects(3 * MB, 3 * MB), false)
  t.equal(await collects(2 * MB), true)
  t.equal(await collects(1 * MB), false, 'the count begins again')
})
