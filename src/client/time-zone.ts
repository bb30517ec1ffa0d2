/** The browser's time zone; undefined where it reports none that has day boundaries (an offset, `Etc/Unknown`). */
export function browserTimeZone(): string | undefined {
  const { timeZone } = Intl.DateTimeFormat().resolvedOptions()
  return /^[a-z]/i.test(timeZone) && timeZone !== 'Etc/Unknown' ? timeZone : undefined
}
