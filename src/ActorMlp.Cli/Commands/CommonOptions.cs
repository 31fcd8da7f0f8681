using System.CommandLine;

namespace ActorMlp.Cli.Commands;

/// <summary>Options that several commands share.</summary>
internal static class CommonOptions
{
    public const string Json = "json";

    public static Option<string> Format()
    {
        var option = new Option<string>("--format")
        {
            Description = "Output for people (text) or programs (json: one object, on the last line).",
            DefaultValueFactory = _ => "text",
        };
        option.AcceptOnlyFromAmong("text", Json);
        return option;
    }

    public static Option<string?> DataDirectory() => new("--data-dir")
    {
        Description = "Folder in which relative paths of data files are looked for first.",
        HelpName = "DIR",
    };

    public static Option<string?> CacheDirectory() => new("--cache-dir")
    {
        Description = "Folder of data caches (data.cacheDirectory).",
        HelpName = "DIR",
    };

    public static Option<string[]> Set() => new("--set")
    {
        Description = "Overrides a value of the run file, as often as needed: --set training.epochs=5 --set model.hidden=[64,32]",
        HelpName = "key=value",
        AllowMultipleArgumentsPerToken = false,
    };
}
