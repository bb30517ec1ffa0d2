import { saveBlob } from '../shared/save-blob.ts'
import { dayOf } from '../shared/format.ts'
import { accountService } from './storageFactory.ts'

/** Only in browsers that can write a file while it arrives. The others hold it in memory first. */
type ShowSaveFilePicker = (
  options: object
) => Promise<{ createWritable: () => Promise<WritableStream<Uint8Array>> }>

type Options = { signal: AbortSignal; onProgress: (bytes: number) => void }

/**
 * Saves all data of the account as a file. Rejects with an AbortError when the user chooses no file, and without a
 * file when the connection breaks.
 */
export async function saveExport({ signal, onProgress }: Options): Promise<void> {
  const name = `harmony-helper-${dayOf(new Date())}.zip`
  const { showSaveFilePicker: pick } = window as { showSaveFilePicker?: ShowSaveFilePicker }
  // First, because a browser shows it only in answer to a click.
  const file = await pick?.({ suggestedName: name, types: [{ accept: { 'application/zip': ['.zip'] } }] })
  const writable = await file?.createWritable()
  const { body } = await accountService.exportArchive({ signal }).catch(async (error) => {
    await writable?.abort()
    throw error
  })
  const archive = body!.pipeThrough(countBytes(onProgress), { signal })
  if (writable) await archive.pipeTo(writable)
  else saveBlob(await new Response(archive).blob(), name)
}

function countBytes(onProgress: (bytes: number) => void) {
  let bytes = 0
  return new TransformStream<Uint8Array<ArrayBuffer>, Uint8Array<ArrayBuffer>>({
    transform(piece, controller) {
      bytes += piece.length
      onProgress(bytes)
      controller.enqueue(piece)
    }
  })
}
