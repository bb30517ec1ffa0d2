import { useEffect, useState } from 'react'
import { Auth0Provider, useAuth0 } from '@auth0/auth0-react'
import { History } from './history/history.tsx'
import { HistoryImport } from './account/history-import.tsx'
import { MyData } from './account/my-data.tsx'
import { Practice } from './practice/practice.tsx'
import { auth0 } from './services/auth.ts'
import {
  JournalContext,
  openJournal,
  useJournal,
  useOnline,
  useSessions,
  type Journal
} from './services/journal.ts'
import { USE_MOCK } from './services/storageFactory.ts'
import { isSignedOut, UnsentSessions } from './account/unsent-sessions.tsx'
import { timeOf } from './shared/format.ts'
import { Progress } from './progress/progress.tsx'
import { Week } from './progress/week.tsx'
import { WelcomePage } from './welcome-page.tsx'

export function App() {
  if (USE_MOCK) return <JournalPage account="this browser" />
  if (!auth0) {
    return (
      <WelcomePage>
        <p>
          Set VITE_AUTH0_DOMAIN to sign in, or VITE_USE_MOCK_STORAGE=true to store everything in this browser.
        </p>
      </WelcomePage>
    )
  }
  return (
    <Auth0Provider client={auth0}>
      <AuthenticatedApp />
    </Auth0Provider>
  )
}

function AuthenticatedApp() {
  const { isLoading, user, error, loginWithRedirect, logout } = useAuth0()
  if (isLoading) {
    return (
      <WelcomePage>
        <p role="status">Loading your journal…</p>
      </WelcomePage>
    )
  }
  const signIn = () => {
    loginWithRedirect()
  }
  if (!user?.sub) {
    return (
      <WelcomePage>
        <button type="button" className="primary" onClick={signIn}>
          Sign in
        </button>
        {error && (
          <p role="alert" className="problem">
            The sign-in failed: {error.message}. Try again.
          </p>
        )}
      </WelcomePage>
    )
  }
  const signOut = () => {
    logout({ logoutParams: { returnTo: location.origin + import.meta.env.BASE_URL } })
  }
  return <JournalPage account={user.sub} name={user.name} signIn={signIn} signOut={signOut} />
}

type Person = { name?: string | undefined; signIn?: () => void; signOut?: () => void }

function JournalPage({ account, ...person }: Person & { account: string }) {
  const [journal, setJournal] = useState<Journal>()
  useEffect(() => {
    const opened = openJournal(account)
    setJournal(opened)
    return opened.close
  }, [account])
  if (!journal) return null
  return (
    <JournalContext.Provider value={journal}>
      <Header {...person} />
      <main>
        <Notices {...person} />
        <Practice />
        <aside aria-label="Overview">
          <UnsentSessions />
          <Week />
          {!USE_MOCK && <HistoryImport />}
        </aside>
        <Progress />
        <History />
      </main>
    </JournalContext.Provider>
  )
}

function Header({ name, signOut }: Person) {
  const journal = useJournal()
  const [leaving, setLeaving] = useState(false)

  async function leave() {
    if (leaving) return
    setLeaving(true)
    await journal.forget()
    signOut!()
  }

  return (
    <header>
      <h1>Practice Journal</h1>
      {signOut ? (
        <p>
          <span>{name}</span>
          <MyData name={name} onDeleted={signOut} />
          <button type="button" aria-disabled={leaving} onClick={leave}>
            Sign out
          </button>
        </p>
      ) : (
        <p>
          <span>Stored in this browser</span>
        </p>
      )}
    </header>
  )
}

/**
 * Problems that affect the whole page. The live region is always present, because new ones are not always
 * announced.
 */
function Notices(person: Person) {
  return (
    <div className="notices" role="status">
      <Notice {...person} />
    </div>
  )
}

function Notice({ signIn }: Person) {
  const { store } = useJournal()
  const error = useSessions((state) => state.error)
  const isLoading = useSessions((state) => state.isLoading)
  const staleSince = useSessions((state) => state.staleSince)
  const online = useOnline()
  const asOf = staleSince && `Your journal is shown as of ${timeOf(staleSince)}.`
  if (!online && !USE_MOCK) {
    return (
      <p className="notice">
        You are offline. {asOf} You can keep practising: sessions are saved in this browser and sent later.
      </p>
    )
  }
  if (!error) return null
  if (isSignedOut(error)) {
    return (
      <div className="notice">
        <p>
          Your sign-in has expired. Nothing is lost: your recordings stay in this browser until you sign in
          again.
        </p>
        <button type="button" onClick={signIn}>
          Sign in again
        </button>
      </div>
    )
  }
  return (
    <div className="notice">
      <p>
        {error.message} {asOf}
      </p>
      <button type="button" onClick={() => store.getState().load()}>
        {isLoading ? 'Trying…' : 'Try again'}
      </button>
    </div>
  )
}
