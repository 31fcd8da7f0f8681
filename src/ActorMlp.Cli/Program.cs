using ActorMlp.Cli;
using ActorMlp.Cli.Commands;
using Spectre.Console;

return await ActorMlpCommand.InvokeAsync(args, CommandContext.ForTerminal(AnsiConsole.Console)).ConfigureAwait(false);
