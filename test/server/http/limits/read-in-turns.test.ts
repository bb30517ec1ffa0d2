import t from 'tap'
import { createFairLimiter } from '../../../../src/server/http/limits/fair-limiter.ts'
import { readInTurns } from '../../../../src/server/http/limits/read-in-turns.ts'

const start = () => {
  const limiter = createFairLimiter({ count: 1, perUser: 1, maxWaiting: 10, waitMs: 20, refusal: 'full' })
  return { limiter, held: () => limiter.usage().held, acquire: () => limiter.acquire('clara') }
}

t.test('a place is held while a piece is read, and not while the consumer works', async (t) => {
  const { held, acquire } = start()
  let isClosed = false
  async function* read() {
    try {
      for (const piece of ['a', 'b']) {
        t.equal(held(), 1)
        yield piece
      }
    } finally {
      isClosed = true
    }
  }
  const pieces = []
  for await (const piece of readInTurns(read(), acquire)) {
    t.equal(held(), 0)
    pieces.push(piece)
  }
  t.strictSame(pieces, ['a', 'b'])
  t.equal(held(), 0)

  isClosed = false
  for await (const piece of readInTurns(read(), acquire)) if (piece === 'a') break
  t.ok(isClosed, 'a consumer that stops ends the reading')
})

t.test('a failure gives the place back and is passed on', async (t) => {
  const { held, acquire } = start()
   
  async function* read(): AsyncGenerator<string> {
    throw new Error('lost')
  }
  await t.rejects(readInTurns(read(), acquire).next(), { message: 'lost' })
  t.equal(held(), 0)
})

t.test('without a place in time, the answer breaks off and its reading ends', async (t) => {
  const { limiter, acquire } = start()
  limiter.borrow('robert', 1)
  let isClosed = false
  async function* read() {
    try {
      yield 'a'
      yield 'b'
    } finally {
      isClosed = true
    }
  }
  const source = read()
  await source.next()
  await t.rejects(readInTurns(source, acquire).next(), { code: 'server_busy' })
  t.ok(isClosed)
})
