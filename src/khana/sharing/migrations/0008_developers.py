from django.db import migrations, models
import django.db.models.deletion


class Migration(migrations.Migration):

    dependencies = [
        ('sharing', '0007_notice_policies'),
    ]

    operations = [
        migrations.AddField(
            model_name='subscription',
            name='last_seen_other_id',
            field=models.BigIntegerField(default=0, help_text='of enrolments, which have two kinds of rows'),
        ),
        migrations.CreateModel(
            name='Developer',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('user_id', models.BigIntegerField(help_text='a person of the partner, signed in like staff')),
                ('added_at', models.DateTimeField()),
                ('ended_at', models.DateTimeField(null=True)),
                ('partner', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='sharing.partner')),
            ],
            options={
                'constraints': [models.UniqueConstraint(condition=models.Q(('ended_at__isnull', True)), fields=('partner', 'user_id'), name='developer_once')],
            },
        ),
    ]
