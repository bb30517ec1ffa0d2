import t, { type Test } from 'tap'
import { createOverload } from '../../../../src/server/http/limits/overload.ts'

const WINDOW_MS = 500

function create() {
  const clock = { now: 0 }
  let begun = 0
  const overload = createOverload({ onBegin: () => begun++, now: () => clock.now })
  return {
    isOn: overload.isOn,
    begun: () => begun,
    count({ accepted = 0, refused = 0 }) {
      for (let call = 0; call < accepted; call++) overload.countAccepted()
      for (let call = 0; call < refused; call++) overload.countRefused()
    },
    pass(ms: number) {
      clock.now += ms
    }
  }
}

function begin(t: Test) {
  const overload = create()
  overload.count({ accepted: 1000 })
  t.equal(overload.isOn(), false)
  overload.count({ refused: 1 })
  t.equal(overload.isOn(), true)
  return overload
}

t.test('it begins with one refusal, whatever was accepted before', async (t) => {
  t.equal(begin(t).begun(), 1)
})

t.test('it goes on while more than half of the calls are refused, and begins once', async (t) => {
  const overload = begin(t)
  for (let window = 0; window < 5; window++) {
    overload.count({ accepted: 10, refused: 11 })
    overload.pass(WINDOW_MS)
    t.equal(overload.isOn(), true)
  }
  t.equal(overload.begun(), 1)
})

t.test('it ends when fewer are refused, as at an ordinary load without a queue', async (t) => {
  const overload = begin(t)
  overload.count({ accepted: 10, refused: 9 })
  overload.pass(WINDOW_MS - 1)
  t.equal(overload.isOn(), true)
  overload.pass(1)
  t.equal(overload.isOn(), false)
  overload.count({ refused: 1 })
  t.equal(overload.begun(), 2, 'and may begin again')
})

t.test('it has ended when no call came for a while, though the last ones were refused', async (t) => {
  const overload = begin(t)
  overload.count({ refused: 10 })
  overload.pass(2 * WINDOW_MS)
  t.equal(overload.isOn(), false)
})
