import t from 'tap'
import { describeDifferences } from '../../scripts/compare-tables.ts'

const table = (name: string, rows: number, digest: string) => ({ table: name, rows, digest })

t.test('tables with other rows or other content are named', async (t) => {
  const before = [table('users', 2, '7'), table('sessions', 5, '9'), table('open_uploads', 0, '0')]
  t.strictSame(describeDifferences(before, [...before].reverse()), [])
  t.strictSame(describeDifferences(before, [table('users', 2, '8'), table('sessions', 4, '9')]), [
    'users: the content of its 2 rows differs',
    'sessions: 4 rows instead of 5',
    'open_uploads is missing'
  ])
})
