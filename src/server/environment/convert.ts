/** Splits a list at its commas. */
export const toList = (value: string) =>
  value
    .split(',')
    .map((item) => item.trim())
    .filter(Boolean)

/** The issuer of AUTH0_DOMAIN. Auth0's `iss` is the https URL of the tenant with one trailing slash. */
export const toIssuer = (domain: string) =>
  `${domain.includes('://') ? domain : `https://${domain}`}`.replace(/\/*$/, '/')
