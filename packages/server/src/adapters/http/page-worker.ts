import { parentPort, workerData } from "node:worker_threads";
import { type PageRequest, readPage } from "../../web-page/read-page.ts";

parentPort?.postMessage(readPage(workerData as PageRequest));
