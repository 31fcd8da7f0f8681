using ActorMlp.Cli;
using ActorMlp.Cli.Commands;
using Spectre.Console;

// Several processes share a machine's cores: threads of the pool that spin while they wait for work would take them from those that compute. What messages of such
// processes cost is measured likewise.
if (args is ["node" or "submit", ..] || args.Contains("--processes") || (args is ["simulate", ..] && args.Contains("--cores")))
{
    AppContext.SetData("System.Threading.ThreadPool.UnfairSemaphoreSpinLimit", 0);
}

return await ActorMlpCommand.InvokeAsync(args, CommandContext.ForTerminal(AnsiConsole.Console)).ConfigureAwait(false);
