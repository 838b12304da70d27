import { getDocumentProxy } from "unpdf";
import { NotReadable, type ReadDocument } from "../document.ts";
import { joinParts, type Part } from "./derived-text.ts";
import { isPlausible } from "./office-file.ts";
import { type Glyphs, toLines } from "./pdf-lines.ts";
import { usableTitle } from "./usable-title.ts";

type Pdf = Awaited<ReturnType<typeof getDocumentProxy>>;

const mostPages = 20_000;
/** A file may claim any number of pages: when so many in a row are not there, there are no more. */
const mostMissing = 10;

/** The text of a PDF, a section per page. Nothing in it runs, and nothing is fetched. */
export async function readPdf(bytes: Buffer): Promise<readonly ReadDocument[]> {
  if (bytes.length === 0) throw new NotReadable("It is empty.");
  if (!bytes.subarray(0, 4_096).includes("%PDF-")) throw new NotReadable("It is not a PDF.");
  const pdf = await open(bytes);
  try {
    const pages = await readPages(pdf);
    const { title, time } = await readInfo(pdf);
    return [
      {
        part: "",
        ...(title !== undefined && { title }),
        ...(time !== undefined && { time }),
        ...joinParts(pages, "Its pages are pictures: it holds no text."),
        kind: "text",
      },
    ];
  } finally {
    await pdf.loadingTask.destroy();
  }
}

async function open(bytes: Buffer): Promise<Pdf> {
  try {
    return await getDocumentProxy(new Uint8Array(bytes), {
      verbosity: 0,
      disableFontFace: true,
      useSystemFonts: false,
      useWorkerFetch: false,
      useWasm: false,
      enableXfa: false,
      // Pictures are of no use here, and unpack to the most.
      maxImageSize: 0,
    });
  } catch (cause) {
    if ((cause as Error).name === "PasswordException")
      throw new NotReadable("It is protected by a password.", { cause });
    throw cause;
  }
}

async function readPages(pdf: Pdf): Promise<readonly Part[]> {
  if (pdf.numPages > mostPages && (await isThere(pdf, mostPages)))
    throw new NotReadable(`It has more than ${mostPages} pages.`);
  const pages: Part[] = [];
  let missing = 0;
  for (let number = 1; number <= Math.min(pdf.numPages, mostPages) && missing < mostMissing; number++) {
    try {
      const page = await pdf.getPage(number);
      const { items } = await page.getTextContent();
      pages.push({
        text: toLines(items.filter((item): item is Extract<typeof item, Glyphs> => "str" in item)),
        label: `page ${number}`,
      });
      page.cleanup();
      missing = 0;
    } catch {
      missing++;
    }
  }
  if (pages.length === 0) throw new NotReadable("It is damaged: none of its pages can be read.");
  return pages;
}

async function isThere(pdf: Pdf, number: number): Promise<boolean> {
  try {
    await pdf.getPage(number);
    return true;
  } catch {
    return false;
  }
}

async function readInfo(pdf: Pdf): Promise<Pick<ReadDocument, "title" | "time">> {
  try {
    const { info, metadata } = await pdf.getMetadata();
    const { Title, ModDate, CreationDate } = info as Readonly<Record<string, unknown>>;
    const title = usableTitle(Title) ?? usableTitle(metadata?.get("dc:title"));
    const time = toTime(ModDate) ?? toTime(CreationDate);
    return { ...(title !== undefined && { title }), ...(time !== undefined && { time }) };
  } catch {
    return {};
  }
}

/** A date as PDF writes it (ISO 32000-2, 7.9.4): `D:20240501101200+02'00'`. */
function toTime(date: unknown): number | undefined {
  const found =
    typeof date === "string" && /^D:(\d{4})(\d\d)?(\d\d)?(\d\d)?(\d\d)?(\d\d)?(?:([+-])(\d\d)'?(\d\d)?|Z)?/.exec(date);
  if (!found) return undefined;
  const [, year, month = "01", day = "01", hour = "00", minute = "00", second = "00", sign = "+", ahead = "00", by] =
    found;
  const time = Date.parse(`${year}-${month}-${day}T${hour}:${minute}:${second}${sign}${ahead}:${by ?? "00"}`);
  return isPlausible(time) ? time : undefined;
}
