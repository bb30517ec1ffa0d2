import type { Account } from '@harmony-helper/client/account'
import { formatBytes, formatDuration } from '../shared/format.ts'

/** What the account holds, and how much of its space that takes. */
export function AccountFigures({ account }: { account: Account }) {
  const { session_count: sessions, total_minutes: minutes, quotas } = account
  return (
    <>
      <dl className="figures">
        <div>
          <dt>{sessions === 1 ? 'session' : 'sessions'}</dt>
          <dd>{sessions.toLocaleString('en')}</dd>
        </div>
        <div>
          <dt>of practice</dt>
          <dd>{formatDuration(minutes * 60)}</dd>
        </div>
      </dl>
      <Space name="Recordings" used={account.recordings_bytes} limit={quotas.recordings_bytes} />
      <Space name="Scores, feedback and notes" used={account.text_bytes} limit={quotas.text_bytes} />
    </>
  )
}

function Space({ name, used, limit }: { name: string; used: number; limit: number }) {
  const text = `${formatBytes(used)} of ${formatBytes(limit)}`
  return (
    <div className="space">
      <span>
        {name}: <span>{text}</span>
      </span>
      <meter aria-label={name} aria-valuetext={text} max={limit} value={used} />
    </div>
  )
}
