import { DataFolderError } from "../stores/data-folder.ts";
import { DatabaseError } from "../stores/sqlite/database.ts";
import { CommandError, exits } from "./exit.ts";

/** Turns what can be wrong with a data folder into its exit status and what to do. */
export async function withDataFolder<T>(data: string, body: () => T | Promise<T>): Promise<T> {
  try {
    return await body();
  } catch (error) {
    if (error instanceof DataFolderError) {
      const exit = error.reason === "in-use" ? exits.inUse : exits.cannotCreate;
      throw new CommandError(
        exit,
        error.message,
        error.reason === "in-use" ? undefined : "Choose another data folder with --data.",
      );
    }
    if (error instanceof DatabaseError)
      throw new CommandError(exits.cannotCreate, `The data folder ${data} cannot be used: ${error.message}`);
    throw error;
  }
}
