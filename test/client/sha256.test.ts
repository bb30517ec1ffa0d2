import t from 'tap'
import { createHash } from 'node:crypto'
import { sha256 } from '../../src/client/sha256.ts'

t.test('texts of every length around the block sizes have the digest that Node computes', async (t) => {
  for (let length = 0; length < 200; length++) {
    const text = 'aß♪𝄞'.repeat(length)
    t.equal(sha256(text), createHash('sha256').update(text).digest('hex'), `${length}`)
  }
})
