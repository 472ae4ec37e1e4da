import Database from 'better-sqlite3'

/** Everything that a read model says, table after table, each row with the types of its values: equal only if all is. */
export function dumpReadModel(path: string): string[] {
  const database = new Database(path, { readonly: true })
  try {
    return dump(database)
  } finally {
    database.close()
  }
}

export function dump(database: Database.Database): string[] {
  const schema = database
    .prepare<[], { type: string; name: string; sql: string | null }>(
      'SELECT type, name, sql FROM sqlite_schema ORDER BY type, name',
    )
    .all()
  const lines = schema.map(({ type, name, sql }) => `${type} ${name} ${sql}`)
  for (const { type, name } of schema) {
    if (type !== 'table') continue
    const columns = database.prepare<[], { name: string; pk: number }>(`PRAGMA table_info(${name})`).all()
    const key = columns.filter(({ pk }) => pk > 0).sort((one, other) => one.pk - other.pk)
    const shown = columns.map((column) => `quote(${column.name}) AS ${column.name}`).join(', ')
    const rows = database.prepare(
      `SELECT ${shown} FROM ${name} ORDER BY ${key.map((column) => column.name).join(', ')}`,
    )
    for (const row of rows.all()) lines.push(`${name} ${JSON.stringify(row)}`)
  }
  return lines
}

/** The pages of the file as SQLite would write its content afresh: without what the way to it has left in them. */
export function compactBytes(path: string, copy: string): Buffer {
  const database = new Database(path, { readonly: true })
  try {
    database.prepare('VACUUM INTO ?').run(copy)
  } finally {
    database.close()
  }
  const reading = new Database(copy, { readonly: true })
  try {
    return reading.serialize()
  } finally {
    reading.close()
  }
}
