using ActorMlp.Engine.Random;
using ActorMlp.Training.Faults;

namespace ActorMlp.Training.Simulation.Search;

/// <summary>Fault scripts at random: every kind, moment and target.</summary>
public static class RandomFaults
{
    private static readonly FaultKind[] Prompt = [FaultKind.Crash, FaultKind.Leave, FaultKind.Join, FaultKind.Corrupt];

    /// <summary>A script; the same for the same arguments.</summary>
    /// <param name="seed">Decides it.</param>
    /// <param name="nodes">Nodes at the start.</param>
    /// <param name="steps">Steps of the run.</param>
    /// <param name="horizon">What the run takes undisturbed, roughly.</param>
    public static FaultScript Draw(ulong seed, int nodes, int steps, TimeSpan horizon)
    {
        var draw = new Dice(seed);
        int count = 1 + draw.Below(6);

        // Where nothing is lost or late, patience must never be needed: what it would repair shows.
        FaultKind[] kinds = draw.Below(3) == 0 ? Prompt : Enum.GetValues<FaultKind>();
        return new FaultScript { Seed = seed, Faults = [.. Enumerable.Range(0, count).Select(_ => DrawFault(draw, kinds, nodes, steps, horizon))] };
    }

    private static Fault DrawFault(Dice draw, FaultKind[] kinds, int nodes, int steps, TimeSpan horizon)
    {
        FaultKind kind = kinds[draw.Below(kinds.Length)];
        FaultRules rules = FaultRules.Of(kind);

        // A node that gets slower again and again ends up as one that is gone, but nobody gives it up.
        bool again = draw.Below(5) == 0 && kind != FaultKind.Slow;
        var fault = new Fault
        {
            Kind = kind,
            At = DrawMoment(draw, steps, horizon),
            Every = again ? Milliseconds(20 + draw.Below(300)) : null,
            Times = again ? 2 + draw.Below(3) : null,

            // Short ones, which nobody notices, and ones for which a node is given up.
            Duration = rules.Required.Contains("duration") || (rules.Takes("duration") && draw.Below(2) == 0)
                ? Milliseconds(1 + (draw.Below(2) == 0 ? draw.Below(100) : draw.Below(3000)))
                : null,
            RestartAfter = rules.Takes("restartAfter") ? Milliseconds(draw.Below(1000)) : null,
            Factor = rules.Takes("factor") ? 1 + draw.Below(8) : null,
            By = rules.Takes("by") ? Milliseconds(1 + draw.Below(40)) : null,
            Rate = rules.Takes("rate") ? (1 + draw.Below(30)) / 100.0 : null,

            // In scripts in which nothing is lost or late: control messages that are under way as their connection ends are lost.
            Plane = !rules.Takes("plane") ? FaultPlane.Both : kinds == Prompt ? FaultPlane.Bulk : (FaultPlane)draw.Below(3),
        };
        return kind == FaultKind.Partition && draw.Below(2) == 0
            ? fault with { Groups = DrawGroups(draw, nodes) }
            : fault with { Target = rules.Targets.Count == 0 ? null : DrawTarget(draw, rules, nodes) };
    }

    private static FaultMoment DrawMoment(Dice draw, int steps, TimeSpan horizon)
    {
        TimeSpan one = horizon * draw.Share(), other = horizon * draw.Share();
        return draw.Below(3) switch
        {
            0 => FaultMoment.AtStep(1 + draw.Below(steps - 1)),
            1 => FaultMoment.AtTime(Whole(one)),
            _ => FaultMoment.Between(Whole(one < other ? one : other), Whole(one < other ? other : one) + TimeSpan.FromMilliseconds(1)),
        };
    }

    private static FaultTarget DrawTarget(Dice draw, FaultRules rules, int nodes)
    {
        FaultTargetKind kind = rules.Targets[draw.Below(rules.Targets.Count)];
        int node = draw.Below(nodes);
        return kind switch
        {
            FaultTargetKind.Node => FaultTarget.Of(node),
            FaultTargetKind.Pair => new FaultTarget(kind, node, (node + 1 + draw.Below(nodes - 1)) % nodes),
            _ => new FaultTarget(kind),
        };
    }

    private static int[][] DrawGroups(Dice draw, int nodes)
    {
        int parts = 2 + draw.Below(Math.Min(2, nodes - 1));
        int[] side = [.. Enumerable.Range(0, nodes).Select(node => node < parts ? node : draw.Below(parts))];
        return [.. Enumerable.Range(0, parts).Select(part => Enumerable.Range(0, nodes).Where(node => side[node] == part).ToArray())];
    }

    private static TimeSpan Milliseconds(int count) => TimeSpan.FromMilliseconds(count);

    private static TimeSpan Whole(TimeSpan time) => TimeSpan.FromMilliseconds(Math.Round(time.TotalMilliseconds));

    private sealed class Dice(ulong seed)
    {
        private readonly CounterRandom random = new(seed, RandomPurpose.Faults);
        private uint draws;

        public int Below(int bound) => random.Below(bound, 1, 0, draws++);

        public double Share() => random.Uniform(1, 1, draws++);
    }
}
