import { Client } from "@modelcontextprotocol/sdk/client/index.js";
import { StdioClientTransport } from "@modelcontextprotocol/sdk/client/stdio.js";
import { server, session } from "./session.mjs";

const client = new Client({ name: "typescript-v1", version: "1" });
const call = (args, options) => client.callTool({ name: "make_phone_call", arguments: args }, undefined, options);
await session(client, new StdioClientTransport(server), call);
