using System.CommandLine;
using System.Globalization;
using ActorMlp.Cli.Configuration;
using ActorMlp.Cli.Simulations;
using ActorMlp.Training.Simulation;
using ActorMlp.Training.Simulation.Planning;
using ActorMlp.Training.Simulation.Search;

namespace ActorMlp.Cli.Commands;

/// <summary><c>actormlp simulate</c>.</summary>
internal static class SimulateCommand
{
    private const int MostNodes = 10_000;
    private const int MostNodesThatCompute = 256;
    private const int MostCores = 1024;
    private const double DefaultSpeed = 100_000;
    private static readonly LinkModel DefaultLink = new(1.25e9, TimeSpan.FromMicroseconds(50));

    public static Command Create(CommandContext context)
    {
        var configuration = new Argument<string?>("CONFIG") { Description = "The run file, such as configs/digits.yaml; not needed with --seeds.", Arity = ArgumentArity.ZeroOrOne };
        var compute = new Option<string>("--compute")
        {
            Description = "real: the run file's network on its data, to the very bits; modelled: only the time it would take, for up to 10,000 nodes; checking: a few floats that show every mistake of the protocol.",
            DefaultValueFactory = _ => "real",
        };
        compute.AcceptOnlyFromAmong([.. OptionsReflection.EnumNames(typeof(SimulatedCompute))]);
        var texts = new TextOptions(
            Text("--faults", "SCRIPT", "What goes wrong: a fault script."),
            Text("--nodes", "N", "Nodes; 4 if absent."),
            Text("--servers", "N", "How many of them may hold parameters; all if absent."),
            Text("--link", "RATE,LATENCY", "What a node can send and receive, and the latency; 10Gbit/s,50us if absent."),
            Text("--cores", "C", "All nodes are processes of one machine with so many cores, as with 'train --processes'; with --compute modelled."),
            Text("--speed", "SAMPLES|measured", "Rows whose gradient a node computes in a second, or 'measured' on this machine; 100000 if absent."),
            Text("--seed", "S", "Decides delays and how long work takes; with --compute checking the case."),
            Text("--seeds", "A..B", "Searches: a case for each seed, until something does not hold. Implies --compute checking."),
            Text("--plot", "FILE", "Draws how the run scales up to --nodes, with --compute modelled: a PNG."));
        Option<string[]> set = CommonOptions.Set();
        Option<string?> dataDirectory = CommonOptions.DataDirectory();
        Option<string?> cacheDirectory = CommonOptions.CacheDirectory();
        var threads = new Option<string?>("--threads") { Description = "Compute threads of this process, 0 for one per core (cluster.threads).", HelpName = "N" };
        var json = new Option<bool>("--json") { Description = "Prints one JSON object." };
        var command = new Command("simulate", "Runs a cluster in virtual time with the state machines of the real one: under faults, to plan, or to search for faults that it does not survive.")
        {
            configuration, compute, texts.Faults, texts.Nodes, texts.Servers, texts.Link, texts.Cores, texts.Speed, texts.Seed, texts.Seeds, texts.Plot, json,
            set, dataDirectory, cacheDirectory, threads,
        };
        command.SetAction(parsed =>
        {
            string? Of(Option<string?> option) => parsed.GetValue(option);
            var reader = new ArgumentReader(parsed.GetValue(json), parsed.GetRequiredValue(compute));
            SimulateRequest request = reader.Read(
                parsed.GetValue(configuration), Of(texts.Faults), Of(texts.Nodes), Of(texts.Servers), Of(texts.Link), Of(texts.Cores), Of(texts.Speed), Of(texts.Seed), Of(texts.Seeds), Of(texts.Plot));
            return reader.Problems.Count > 0
                ? context.BadInput(reader.Problems)
                : new Simulator(context).Run(request with
                {
                    Overrides = new RunOverrides(parsed.GetValue(set) ?? [], null, Of(threads), Of(dataDirectory), Of(cacheDirectory)),
                });
        });
        return command;
    }

    private static Option<string?> Text(string name, string help, string description) => new(name) { Description = description, HelpName = help };

    private sealed record TextOptions(
        Option<string?> Faults, Option<string?> Nodes, Option<string?> Servers, Option<string?> Link, Option<string?> Cores, Option<string?> Speed,
        Option<string?> Seed, Option<string?> Seeds, Option<string?> Plot);

    /// <summary>Makes a request of what was typed, and keeps account of every problem.</summary>
    private sealed class ArgumentReader(bool json, string computeText)
    {
        private readonly List<string> problems = [];

        public List<string> Problems => problems;

        public SimulateRequest Read(
            string? configuration, string? faults, string? nodes, string? servers, string? link, string? cores, string? speed, string? seed, string? seeds, string? plot)
        {
            SimulatedCompute compute = seeds is null ? Enum.Parse<SimulatedCompute>(computeText, ignoreCase: true) : SimulatedCompute.Checking;
            if (seeds is not null && computeText == "modelled")
            {
                problems.Add("--compute modelled: has no meaning with --seeds, which searches with --compute checking");
            }

            if (configuration is null && compute != SimulatedCompute.Checking)
            {
                problems.Add($"CONFIG: is required with --compute {computeText}: a run file, such as configs/digits.yaml");
            }

            string mode = seeds is null ? $"--compute {OptionsReflection.Camel(compute.ToString())}" : "--seeds";
            Refuse("--nodes", nodes, compute == SimulatedCompute.Checking, mode + ": the seed decides the cluster");
            Refuse("--servers", servers, compute == SimulatedCompute.Checking, mode + ": the seed decides the cluster");
            Refuse("--speed", speed, compute == SimulatedCompute.Checking, mode + ": nothing real is computed");
            Refuse("--faults", faults, compute == SimulatedCompute.Modelled, mode + ": it plans an undisturbed run");
            Refuse("--plot", plot, compute != SimulatedCompute.Modelled, mode + "; it draws what --compute modelled plans");
            Refuse("--cores", cores, compute != SimulatedCompute.Modelled, mode + "; it plans with --compute modelled");
            Refuse("--link", link, compute == SimulatedCompute.Modelled && cores is not null, "--cores: processes of one machine talk over its loopback");
            Refuse("--seed", seed, seeds is not null, "--seeds, which gives the first one");

            int mostNodes = compute != SimulatedCompute.Modelled ? MostNodesThatCompute : cores is null ? MostNodes : MessageLevelForecast.MostNodes;
            string where = compute == SimulatedCompute.Modelled && cores is not null ? " with --cores" : "";
            int nodeCount = Whole("--nodes", nodes, 1, mostNodes, where) ?? 4;
            int? coreCount = Whole("--cores", cores, 1, speed == "measured" ? Environment.ProcessorCount : MostCores, speed == "measured" ? " with --speed measured on this machine" : "");
            (ulong first, ulong? last) = Seeds(seed, seeds);
            return new SimulateRequest
            {
                ConfigurationFile = configuration,
                Compute = compute,
                FaultScript = faults,
                Nodes = nodeCount,
                Servers = Whole("--servers", servers, 1, nodeCount),
                Cores = coreCount,
                Link = Link(link) ?? (compute == SimulatedCompute.Checking ? SearchCase.Links : DefaultLink),
                Speed = Speed(speed),
                Seed = first,
                LastSeed = last,
                Json = json,
                Plot = plot,
            };
        }

        private void Refuse(string option, string? value, bool refused, string with)
        {
            if (refused && value is not null)
            {
                problems.Add($"{option} {value}: has no meaning with {with}");
            }
        }

        private int? Whole(string option, string? text, int minimum, int maximum, string where = "")
        {
            if (text is null)
            {
                return null;
            }

            if (int.TryParse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out int number) && number >= minimum && number <= maximum)
            {
                return number;
            }

            problems.Add($"{option} {text}: allowed are {minimum} to {maximum}{where}");
            return null;
        }

        private (ulong First, ulong? Last) Seeds(string? seed, string? seeds)
        {
            ulong first = 1, last = 0;
            if (seed is not null && !ulong.TryParse(seed, NumberStyles.None, CultureInfo.InvariantCulture, out first))
            {
                problems.Add($"--seed {seed}: expected a whole number from 0");
            }

            if (seeds is null)
            {
                return (first, null);
            }

            if (seeds.Split("..") is not [{ } from, { } to]
                || !ulong.TryParse(from, NumberStyles.None, CultureInfo.InvariantCulture, out first)
                || !ulong.TryParse(to, NumberStyles.None, CultureInfo.InvariantCulture, out last)
                || last < first)
            {
                problems.Add($"--seeds {seeds}: expected the first and the last seed, such as 1..10000");
            }

            return (first, last);
        }

        private LinkModel? Link(string? text)
        {
            LinkModel? link = text is null ? null : LinkText.Parse(text);
            if (text is not null && link is null)
            {
                problems.Add($"--link {text}: expected {LinkText.Expected}");
            }

            return link;
        }

        private double? Speed(string? text)
        {
            if (text == "measured")
            {
                return null;
            }

            if (text is null)
            {
                return DefaultSpeed;
            }

            if (double.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out double speed) && speed is >= 1e-3 and <= 1e12)
            {
                return speed;
            }

            problems.Add($"--speed {text}: expected samples per second, from 0.001 to 1000000000000, or 'measured'");
            return null;
        }
    }
}
