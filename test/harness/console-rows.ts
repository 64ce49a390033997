import { launchChromium } from '../browser/chromium.ts'

interface OpenRows {
  readonly chromium: string
  /** A link that signs in. */
  readonly link: string
  /** `keyspace.table` */
  readonly table: string
  /** What one of the rows says. */
  readonly text: string
}

/** Opens the console by its link, then the page of tables and the table's own, by their links alone; rejects where the row is not there. */
export async function openRows({ chromium, link, table, text }: OpenRows): Promise<void> {
  const browser = await launchChromium(chromium)
  try {
    const opened = await browser.newPage({ viewport: { width: 1440, height: 900 } })
    opened.setDefaultTimeout(60_000)
    await opened.goto(link)
    await opened.getByRole('link', { name: 'Tables' }).first().click()
    await opened
      .getByRole('link', { name: table.split('.')[1] ?? '' })
      .first()
      .click()
    await opened.getByText(text).first().waitFor()
  } finally {
    await browser.close()
  }
}
