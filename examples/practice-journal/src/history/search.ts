import { useMemo } from 'react'
import type { SessionData } from '@harmony-helper/client'

export type Filter = { words: string; instrument: string; piece: string }

export const EVERYTHING: Filter = { words: '', instrument: '', piece: '' }

/** The sessions of an instrument and a piece whose piece or instrument has all the words. */
export function useFound(history: SessionData[], { words, instrument, piece }: Filter): SessionData[] {
  const indexed = useMemo(
    () =>
      history.map((session) => ({ session, text: normalise(`${session.songName} ${session.instrument}`) })),
    [history]
  )
  return useMemo(() => {
    const wanted = normalise(words).split(/\s+/)
    return indexed
      .filter(
        ({ session, text }) =>
          (!instrument || session.instrument === instrument) &&
          (!piece || session.songName === piece) &&
          wanted.every((word) => text.includes(word))
      )
      .map(({ session }) => session)
  }, [indexed, words, instrument, piece])
}

/** The instruments of a history, and the pieces played on `instrument`, or on any; in alphabetical order. */
export function useChoices(history: SessionData[], instrument: string) {
  return useMemo(
    () => ({
      instruments: distinct(history.map((session) => session.instrument)),
      pieces: distinct(
        history
          .filter((session) => !instrument || session.instrument === instrument)
          .map(({ songName }) => songName)
      )
    }),
    [history, instrument]
  )
}

function distinct(names: string[]): string[] {
  return [...new Set(names)].filter(Boolean).sort(new Intl.Collator('en', { numeric: true }).compare)
}

/** Lower case without accents, so that "etude" finds "Étude". */
function normalise(text: string): string {
  return text.normalize('NFD').replace(/\p{M}/gu, '').toLowerCase()
}
