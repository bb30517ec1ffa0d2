import t from 'tap'
import { revisionsIn, revisionTag } from '../../../../src/server/http/answers/revision-tag.ts'

t.test('the tag of a revision is a quoted string, and another for other signed URLs', (t) => {
  t.equal(revisionTag(7), '"7"')
  t.equal(revisionTag(7, 123), '"7-123"')
  t.end()
})

t.test('If-Match allows the revisions of its tags', (t) => {
  const cases: Array<[string | undefined, number[] | null]> = [
    [undefined, null],
    ['*', null],
    [' * ', null],
    [revisionTag(0), [0]],
    [revisionTag(7, 123), [7]],
    ['W/"7"', [7]],
    ['"7", W/"8-1" ,"9"', [7, 8, 9]],
    ['"2147483647"', [2 ** 31 - 1]]
  ]
  for (const [header, expected] of cases) t.same(revisionsIn(header), expected, String(header))
  t.end()
})

t.test('If-Match allows no revision for tags that are not ours', (t) => {
  for (const header of [
    '',
    '7',
    '"7',
    '"x"',
    '""',
    '"7-"',
    '"-7"',
    'w/"7"',
    '"2147483648"',
    '"99999999999"',
    '"1.5"'
  ]) {
    t.same(revisionsIn(header), [], header)
  }
  t.end()
})
