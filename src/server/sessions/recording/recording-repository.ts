import type { Queries } from '../../database/client.ts'

/** A direct upload, and the size of its recording in bytes. */
type UploadedRecording = { uploadId: string; recordingBytes: bigint }

/** The SQL of the recording of a session: its direct upload, its size and its URL. */
export const createRecordingRepository = (queries: Queries) => ({
  /**
   * Stores which direct upload was begun, and its announced size, which counts in the quota from now on. It
   * replaces an earlier one. `quotas`: see `quotaSetting`.
   * @returns false when the session does not exist or has a recording
   */
  async openUpload(
    id: string,
    { uploadId, recordingBytes }: UploadedRecording,
    quotas: string
  ): Promise<boolean> {
    await applyQuotas(queries, quotas)
    const { count } = await queries.session.updateMany({
      where: { id, audioUrl: null },
      data: { uploadId, recordingBytes, recordingSha256: null }
    })
    return count === 1
  },

  /** Whether the session waits for this direct upload. */
  async isOpen(id: string, uploadId: string): Promise<boolean> {
    return (await queries.session.count({ where: { id, uploadId, audioUrl: null } })) === 1
  },

  /**
   * Stores the size of a recording before it is published, if its upload is still the open one. `quotas`: see
   * `quotaSetting`.
   * @returns false when another upload has replaced this one, or the session does not exist
   */
  async storeBytes(
    id: string,
    { uploadId, recordingBytes }: UploadedRecording,
    quotas: string
  ): Promise<boolean> {
    await applyQuotas(queries, quotas)
    const { count } = await queries.session.updateMany({
      where: { id, OR: [{ uploadId }, { uploadId: null }] }, // the previous release stored no id
      data: { recordingBytes, recordingSha256: null }
    })
    return count === 1
  },

  /**
   * Attaches a recording that was published. `quotas`: see `quotaSetting`.
   * @returns false when another upload has replaced this one, or the session does not exist
   */
  async attach(
    id: string,
    { audioUrl, uploadId, recordingBytes }: UploadedRecording & { audioUrl: string },
    quotas: string
  ): Promise<boolean> {
    await applyQuotas(queries, quotas)
    const count = await queries.$executeRaw`
      UPDATE sessions SET audio_url = ${audioUrl}, upload_id = ${uploadId},
        recording_bytes = ${recordingBytes}, recording_sha256 = NULL
      WHERE id = ${id}::uuid AND (upload_id = ${uploadId} OR upload_id IS NULL)`
    return count === 1
  },

  /** Clears all marks of a recording whose object is removed, and ends the open upload. */
  async forget(id: string): Promise<void> {
    await queries.session.updateMany({
      // without a mark, the session keeps its revision
      where: { id, NOT: { uploadId: null, recordingBytes: null, recordingSha256: null } },
      data: { uploadId: null, recordingBytes: null, recordingSha256: null }
    })
  },

  /** Detaches the recording. Its size stays: the mark that the object may still exist. */
  async clearAudioUrl(id: string): Promise<void> {
    await queries.session.updateMany({ where: { id }, data: { audioUrl: null, uploadId: null } })
  }
})

const applyQuotas = (queries: Queries, quotas: string) =>
  queries.$executeRaw`SELECT set_config('harmony_helper.quotas', ${quotas}, true)`
