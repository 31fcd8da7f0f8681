using ActorMlp.Engine.Batches;
using ActorMlp.Engine.Parallel;
using ActorMlp.Training.Local;
using ActorMlp.Training.Messages;
using ActorMlp.Training.Runs;

namespace ActorMlp.Training.Replay;

/// <summary>A synchronous run again: it needs no log.</summary>
internal sealed class SynchronousReplay : IStepReplay
{
    private readonly RunSetup setup;
    private readonly LocalTrainer trainer;
    private readonly GradientEngine engine;
    private long next;

    public SynchronousReplay(RunSetup setup, ComputePool pool)
    {
        this.setup = setup;
        trainer = new LocalTrainer(setup, pool);
        engine = new GradientEngine(setup.Network, pool);
        trainer.Initialize();
    }

    public ReadOnlySpan<float> Parameters => trainer.Parameters;

    public void TrainUpTo(long step, ref GradientTotals totals)
    {
        for (; next < step; next++)
        {
            try
            {
                totals += trainer.Step(next);
            }
            catch (InvalidOperationException exception)
            {
                throw new ReplayDiffersException(exception.Message);
            }
        }
    }

    public EvaluationTotals EvaluateBlock(EvaluatedSplit split, int block) => setup.EvaluateBlock(engine, split, block, trainer.Parameters);
}
