import { useEffect, useState, type ReactNode } from 'react'
import { Auth0Provider, useAuth0 } from '@auth0/auth0-react'
import { History } from './history.tsx'
import { Clef } from './icons.tsx'
import { Import } from './import.tsx'
import { Practice } from './practice.tsx'
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
import { isSignedOut, Waiting } from './waiting.tsx'
import { Week } from './week.tsx'

export function App() {
  if (USE_MOCK) return <JournalOf account="this browser" />
  if (!auth0) {
    return (
      <Cover>
        <p>
          Set VITE_AUTH0_DOMAIN to sign in against an issuer, or VITE_USE_MOCK_STORAGE=true to keep everything
          in this browser.
        </p>
      </Cover>
    )
  }
  return (
    <Auth0Provider client={auth0}>
      <SignedIn />
    </Auth0Provider>
  )
}

function SignedIn() {
  const { isLoading, user, error, loginWithRedirect, logout } = useAuth0()
  if (isLoading) {
    return (
      <Cover>
        <p role="status">Opening your journal…</p>
      </Cover>
    )
  }
  const signIn = () => {
    loginWithRedirect()
  }
  if (!user?.sub) {
    return (
      <Cover>
        <button type="button" className="primary" onClick={signIn}>
          Sign in
        </button>
        {error && (
          <p role="alert" className="problem">
            That did not work: {error.message}. Try again.
          </p>
        )}
      </Cover>
    )
  }
  const signOut = () => {
    logout({ logoutParams: { returnTo: location.origin + import.meta.env.BASE_URL } })
  }
  return <JournalOf account={user.sub} name={user.name} signIn={signIn} signOut={signOut} />
}

type Person = { name?: string | undefined; signIn?: () => void; signOut?: () => void }

function JournalOf({ account, ...person }: Person & { account: string }) {
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
          <Waiting />
          <Week />
          {!USE_MOCK && <Import />}
        </aside>
        <History />
      </main>
    </JournalContext.Provider>
  )
}

function Header({ name, signOut }: Person) {
  return (
    <header>
      <h1>Practice Journal</h1>
      {signOut ? (
        <p>
          <span>{name}</span>{' '}
          <button type="button" onClick={signOut}>
            Sign out
          </button>
        </p>
      ) : (
        <p>
          <span>Kept in this browser</span>
        </p>
      )}
    </header>
  )
}

/** What stands in the way, if anything does. The region is always there: a new one is not announced everywhere. */
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
  const online = useOnline()
  if (!online && !USE_MOCK) {
    return (
      <p className="notice">You are offline. Go on practising: what you save is kept here and sent later.</p>
    )
  }
  if (!error) return null
  if (isSignedOut(error)) {
    return (
      <div className="notice">
        <p>
          Your sign-in has ended. Nothing is lost: what you record and save is kept here until you sign in
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
      <p>{error.message}</p>
      <button type="button" onClick={() => store.getState().load()}>
        {isLoading ? 'Trying…' : 'Try again'}
      </button>
    </div>
  )
}

function Cover({ children }: { children: ReactNode }) {
  return (
    <main className="cover">
      <div className="plate">
        <p>Harmony Helper</p>
        <h1>Practice Journal</h1>
        <p>
          <em>for every instrument</em>
        </p>
        <div className="staff" aria-hidden="true">
          <Clef />
        </div>
        <p className="hint">Record what you play, hear it again, and watch the week fill up.</p>
        {children}
      </div>
    </main>
  )
}
