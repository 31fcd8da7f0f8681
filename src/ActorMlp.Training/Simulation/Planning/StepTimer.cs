using ActorMlp.Engine.Batches;
using ActorMlp.Training.Simulation.Sharing;

namespace ActorMlp.Training.Simulation.Planning;

/// <summary>When the parts of each step begin and end in an undisturbed simulation.</summary>
/// <param name="computing">Nodes that compute.</param>
internal sealed class StepTimer(int computing) : ISimulationObserver
{
    private readonly SortedDictionary<long, Record> records = [];
    private long updated = -1;
    private TimeSpan lastUpdate;

    /// <inheritdoc/>
    public void GradientAsked(TimeSpan now, TreeNode node, TimeSpan work)
    {
        // Nobody begins a step before all pieces of the step before are updated.
        Record record = Of(updated + 1);
        record.AskedSum += now;
        record.Asked++;
        record.Work += work;
    }

    /// <inheritdoc/>
    public void UpdateAsked(TimeSpan now, TimeSpan work) => lastUpdate = work;

    /// <summary>A gradient of a step is computed.</summary>
    public void Computed(long step, TimeSpan now) => Of(step).Computed = now;

    /// <summary>A piece is updated: by its server first, which is what counts, and then by whoever stands by for it.</summary>
    public void Updated(long step, int offset, TimeSpan now, MachineUse use)
    {
        updated = Math.Max(updated, step);
        Record record = Of(step);
        if (record.Pieces.Add(offset))
        {
            (record.Updated, record.LastUpdate, record.Use) = (now, lastUpdate, use);
        }
    }

    /// <summary>The parts of the steps from one on, averaged.</summary>
    /// <param name="first">The first step that counts.</param>
    public StepForecast Average(long first)
    {
        var steps = new List<StepForecast>();
        for (long step = first; records.TryGetValue(step, out Record? record) && record.Updated > TimeSpan.Zero; step++)
        {
            // With unequal shares those with more may begin earlier than the average.
            TimeSpan begin = record.AskedSum / record.Asked, compute = TimeSpan.FromTicks(Math.Min((record.Work / computing).Ticks, (record.Computed - begin).Ticks));
            steps.Add(new StepForecast(
                compute,
                record.Computed - begin - compute,
                record.Updated - record.Computed - record.LastUpdate,
                record.LastUpdate,
                begin - records[step - 1].Updated));
        }

        return StepForecast.Average(steps) with { Cores = records[first + steps.Count - 1].Use.Since(records[first - 1].Use, steps.Count) };
    }

    private Record Of(long step)
    {
        if (!records.TryGetValue(step, out Record? record))
        {
            records[step] = record = new Record();
        }

        return record;
    }

    private sealed class Record
    {
        public TimeSpan AskedSum { get; set; }

        public int Asked { get; set; }

        public TimeSpan Work { get; set; }

        public TimeSpan Computed { get; set; }

        public TimeSpan Updated { get; set; }

        public TimeSpan LastUpdate { get; set; }

        public MachineUse Use { get; set; } = MachineUse.None;

        public HashSet<int> Pieces { get; } = [];
    }
}
