import t from 'tap'
import { createProgress } from '../../../src/server/reconcile/progress.ts'

const userAt = (start: string) => `${start}-0000-4000-8000-000000000000`

/** The text that a walk writes: each step is a user and the seconds since the start. */
function walk(isTTY: boolean, steps: Array<[user: string, seconds: number]>, from?: string): string {
  let [written, seconds] = ['', 0]
  const write = (text: string) => (written += text)
  const progress = createProgress({ terminal: { isTTY, write }, from, now: () => seconds * 1000 })
  for (const [user, at] of steps) {
    seconds = at
    progress.at(userAt(user))
  }
  progress.clear()
  return written.replaceAll('\r\u001B[K', '<')
}

t.test('on a terminal one line tells count, share, rate and the time that is left', async (t) => {
  const steps: Array<[string, number]> = [
    ['10000000', 0],
    ['20000000', 0.1],
    ['20000000', 0.15],
    ['40000000', 0.3],
    ['80000000', 0.4],
    ['c0000000', 7500]
  ]
  t.equal(
    walk(true, steps),
    '<3 users, 25 %, 10 a second, about 1 s left<5 users, 75 %, 0 a minute, about 42 min left<'
  )
})

t.test('elsewhere a plain line is written every half minute', async (t) => {
  const steps: Array<[string, number]> = [
    ['10000000', 29],
    ['80000000', 31],
    ['90000000', 60],
    ['c0000000', 62]
  ]
  t.equal(
    walk(false, steps),
    '2 users, 50 %, 4 a minute, about 31 s left\n4 users, 75 %, 4 a minute, about 21 s left\n'
  )
})

t.test('a walk that continues an earlier one counts from its beginning', async (t) => {
  t.equal(
    walk(false, [['c0000000', 50_000]], userAt('80000000')),
    '1 user, 50 %, 0 a minute, about 14 h left\n'
  )
})

t.test('a short walk writes nothing', async (t) => {
  t.equal(walk(true, [['10000000', 0.1]]), '')
  t.equal(walk(false, [['f0000000', 1]]), '')
})
