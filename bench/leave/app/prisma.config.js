// The client is generated without a database, so there is no address here.
import { defineConfig } from "prisma/config";

export default defineConfig({ schema: "prisma/schema.prisma" });
