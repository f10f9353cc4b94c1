/** The owner of all databases of a local PostgreSQL. */
export const postgresOwner = 'heddle'
