import { readScore } from '../score/read-score.ts'
import type { Journal } from '../services/journal.ts'
import { checkRecording, isScore } from './files.ts'
import type { Recorder } from './recorder.ts'
import { STOPPED } from './timer.ts'
import type { Announce } from './use-announcement.ts'
import type { Draft } from './use-draft.ts'

type Form = { store: Journal['store']; draft: Draft; recorder: Recorder; announce: Announce }

/** Scores and recordings that the musician chooses or drops. */
export function fileActions({ store, draft, recorder, announce }: Form) {
  const { edit, timer } = draft

  async function addScore(file: File) {
    const { xml, title } = await readScore(file)
    const { songName } = store.getState().currentSession ?? {}
    edit({ xmlContent: xml, songName: songName || title })
    announce({})
  }

  function addRecording(file: File) {
    checkRecording(file)
    if (recorder.status !== 'idle') throw new Error('Stop recording before you add a file.')
    if (timer.since !== null) throw new Error('Stop the timer before you add a file.')
    if (store.getState().currentSession?.audio) {
      throw new Error('Save or discard the current recording before you add another.')
    }
    const { id } = edit({ audio: file, durationSeconds: 0 }, STOPPED)
    draft.addChunk(id, 0, file)
    announce({ message: 'Listen back, then save.' })
  }

  return {
    async addFiles(files: Iterable<File>) {
      announce(({ message = '' }) => ({ message }))
      for (const file of files) {
        try {
          if (isScore(file)) await addScore(file)
          else addRecording(file)
        } catch (error) {
          announce((shown) => ({ ...shown, problem: (error as Error).message }))
        }
      }
    },

    removeScore() {
      edit({ xmlContent: null })
      announce({ message: 'The score was removed.' })
    }
  }
}
