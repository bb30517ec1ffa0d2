import { countSessions, timeOf } from '../shared/format.ts'
import { useSessions } from '../services/journal.ts'
import { USE_MOCK } from '../services/storageFactory.ts'

/** Says of figures that they are not the account's current ones: how old they are, and what else they count. */
export function Basis() {
  const staleSince = useSessions((state) => state.staleSince)
  const waiting = useSessions(
    ({ history }) => history.filter(({ pending }) => pending && pending !== 'refused').length
  )
  if (USE_MOCK || (!staleSince && waiting === 0)) return null
  return (
    <p className="hint">
      {staleSince && `As of ${timeOf(staleSince)}. `}
      {waiting > 0 && `Counts ${countSessions(waiting)} that ${waiting === 1 ? 'is' : 'are'} not sent yet.`}
    </p>
  )
}
