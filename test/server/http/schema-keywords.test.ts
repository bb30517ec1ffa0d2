import t from 'tap'
import { UNSTORABLE } from '../../../src/contract/text.ts'
import { compilePattern } from '../../../src/server/http/schema-keywords.ts'

t.test('the search for characters that cannot be stored finds what the pattern finds', async (t) => {
  const pattern = new RegExp(UNSTORABLE, 'u')
  const found = compilePattern(UNSTORABLE, 'u')
  const parts = ['', 'a', 'é', '♯', '𝄞', '\0', '\ud800', '\udc00', '\ud834', '\udd1e']
  for (const first of parts) {
    for (const second of parts) {
      for (const third of parts) {
        const text = first + second + third
        if (found.test(text) !== pattern.test(text)) t.fail(JSON.stringify(text))
      }
    }
  }
  t.equal(found.test('\ud834\udd1e'), false, 'a pair of surrogates is one character')
  t.equal(found.test('\udd1e\ud834'), true)
})

t.test('other patterns are regular expressions', async (t) => {
  t.equal(compilePattern('^\\p{L}$', 'u').test('é'), true)
  t.equal(compilePattern('^\\p{L}$', 'u').test('1'), false)
})
