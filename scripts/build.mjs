// `npm run build`: installs what is missing and compiles what has changed.
import { setUp } from "./setup.mjs";

await setUp();
