import { join } from "node:path";

/** The folder of the imported chats. Once it is there it is served with the others, under the name `chats`. */
export const chatsFolder = (data: string): string => join(data, "chats");
