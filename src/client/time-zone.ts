/** The browser's IANA time zone. Undefined when the browser reports an offset or `Etc/Unknown` instead. */
export function browserTimeZone(): string | undefined {
  const { timeZone } = Intl.DateTimeFormat().resolvedOptions()
  return /^[a-z]/i.test(timeZone) && timeZone !== 'Etc/Unknown' ? timeZone : undefined
}
