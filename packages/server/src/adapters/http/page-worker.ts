import { parentPort, workerData } from "node:worker_threads";
import { type PageRequest, readPage } from "./read-page.ts";

parentPort?.postMessage(readPage(workerData as PageRequest));
